"""What is opened of strangers' files, and how a program says that it could not."""

from typing import Final

FORMATS: Final = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpegts,avi"
"""Demuxers that are tried. Others (concat, hls, sdp, ...) name further files or hosts."""

UNREADABLE: Final = 65
"""Exit code of the prober for a file that is no media."""
