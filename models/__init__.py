"""The face side: pixels in, measurements out. Knows no beneficiary, no database and no HTTP."""
