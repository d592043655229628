"""Services of other people: AniList, Discord."""
