"""A GraphQL service over plain dicts: queries are validated and carried out by graphql-core.

With the published schema where it is there, else with the part of it that follows, which
is what a client of ours may ask for.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.language import Visitor, visit

from tests.support.published import is_there, published

SCHEMA = "anilist/schema.graphql"

_PART = """
type Query { Page(page: Int, perPage: Int): Page  Media(id: Int, type: MediaType): Media
  MediaListCollection(userName: String, type: MediaType, status_in: [MediaListStatus], chunk: Int,
    perChunk: Int): MediaListCollection }
type MediaListCollection { lists: [MediaListGroup]  hasNextChunk: Boolean }
type MediaListGroup { entries: [MediaList]  status: MediaListStatus }
type MediaList { media: Media }
enum MediaListStatus { CURRENT PLANNING COMPLETED DROPPED PAUSED REPEATING }
type Page { media(search: String, type: MediaType, id_in: [Int], sort: [MediaSort]): [Media] }
enum MediaType { ANIME MANGA }
enum MediaSort { SEARCH_MATCH ID }
enum MediaFormat { TV TV_SHORT MOVIE SPECIAL OVA ONA MUSIC MANGA NOVEL ONE_SHOT }
enum MediaStatus { FINISHED RELEASING NOT_YET_RELEASED CANCELLED HIATUS }
enum MediaRelation { ADAPTATION PREQUEL SEQUEL PARENT SIDE_STORY CHARACTER SUMMARY ALTERNATIVE
  SPIN_OFF OTHER SOURCE COMPILATION CONTAINS }
type Media { id: Int!  idMal: Int  type: MediaType  title: Title  synonyms: [String]
  format: MediaFormat  status(version: Int): MediaStatus  episodes: Int  duration: Int
  averageScore: Int  popularity: Int  startDate: FuzzyDate  coverImage: Cover
  studios(isMain: Boolean): Studios  relations: Relations }
type Title { userPreferred: String  romaji: String  english: String  native: String }
type FuzzyDate { year: Int  month: Int  day: Int }
type Cover { large: String }
type Studios { edges: [StudioEdge] }
type StudioEdge { isMain: Boolean!  node: Studio }
type Studio { id: Int!  name: String! }
type Relations { edges: [MediaEdge] }
type MediaEdge { relationType(version: Int): MediaRelation  node: Media }
"""


class Outcome(NamedTuple):
    """What came of a query: its data, or why it was refused before anything was done."""

    data: dict[str, Any] | None
    problems: tuple[str, ...] = ()


@cache
def schema() -> GraphQLSchema:
    """AniList's; skips no test, but knows less where the published one is not there."""
    return build_schema(published(SCHEMA).read_text("utf-8") if is_there(SCHEMA) else _PART)


@cache
def query_problems(query: str) -> tuple[str, ...]:
    """Why a server with AniList's schema would refuse it."""
    try:
        document = parse(query)
    except GraphQLError as exc:
        return (exc.message,)
    return tuple(error.message for error in validate(schema(), document))


class _Count(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.fields = 0

    def enter_field(self, _node: FieldNode, *_: Any) -> None:
        self.fields += 1


@cache
def complexity(query: str) -> int:
    """As AniList counts it, as far as is known: a point for every field."""
    count = _Count()
    visit(parse(query), count)
    return count.fields


def carry_out(query: str, variables: Mapping[str, Any], root: Mapping[str, Any]) -> Outcome:
    """Answer a query; values of `root` may be functions of `info` and the arguments."""
    if problems := query_problems(query):
        return Outcome(None, problems)
    result = execute_sync(schema(), parse(query), root, variable_values=dict(variables))
    return Outcome(result.data, tuple(error.message for error in result.errors or ()))
