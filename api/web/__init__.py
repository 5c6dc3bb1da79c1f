"""The pages: plain files, served as they are, with the words of seven languages."""
