"""Commands, one in each file: the options that it takes, and the printing of what a public function gives."""
