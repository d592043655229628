"""What is known of a show beside its name. Pure."""

import unicodedata

import msgspec


class Show(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of a show as AniList has them; unknown is None.

    Attributes:
        anilist_id: Its number there.
        mal_id: Its number at MyAnimeList.
        kitsu_id: Its number at Kitsu.
        title: The title that AniList prefers (`userPreferred`).
        names: Every title and synonym, in any language.
        status: `RELEASING`, `FINISHED`, `NOT_YET_RELEASED`, `CANCELLED`, `HIATUS`.
        episodes: How many there are or will be.
        duration_min: Length of an episode in minutes.
        score: Average, of 100.
        popularity: People who have it on a list.
        cover_url: The large cover.
        studio: Name of the main studio.
        studio_id: Its number at AniList.
    """

    anilist_id: int
    mal_id: int | None = None
    kitsu_id: int | None = None
    title: str
    names: tuple[str, ...] = ()
    status: str | None = None
    episodes: int | None = None
    duration_min: int | None = None
    score: int | None = None
    popularity: int | None = None
    cover_url: str | None = None
    studio: str | None = None
    studio_id: int | None = None

    def is_called(self, name: str) -> bool:
        """Whether a title or synonym equals `name` but for punctuation, case and width."""
        wanted = sameness(name)
        return any(sameness(own) == wanted for own in (self.title, *self.names))


def sameness(name: str) -> str:
    """What two spellings of one title share: letters, digits and marks, without case.

    Folders lose characters that storage refuses (": " becomes " - "), so punctuation and
    spaces say nothing. A title of punctuation alone keeps it.
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    letters = "".join(char for char in text if unicodedata.category(char)[0] in "LNM")
    return letters or text.strip()
