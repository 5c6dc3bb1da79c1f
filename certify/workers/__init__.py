"""Worker processes: take jobs from the queue and run them."""
