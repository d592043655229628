"""What a keeper does with a library: planned from listings, shown, carried out, undone."""
