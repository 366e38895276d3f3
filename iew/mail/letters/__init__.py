"""What each kind of mail says, one file a noun."""
