"""The parts of the soaks: what they start and break, who talks, writes and reads, and what they count."""
