"""Probing, subtitles, fonts and ffmpeg."""
