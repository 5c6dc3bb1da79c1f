"""The parts of reports: the frame of the page, and bar charts. One HTML file each, which loads nothing.

Called by the rooms that have something to report; they supply titles, sections and numbers.
"""
