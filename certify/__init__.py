"""The pension side of certify: who is proven alive, by what evidence, until when. No HTTP, no pixels."""
