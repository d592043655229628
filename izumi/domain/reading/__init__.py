"""Reading a release name by its structure: brackets, marks and the words of the trade."""
