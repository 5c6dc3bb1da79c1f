"""The pages: plain files without a build step, with the texts of every language."""
