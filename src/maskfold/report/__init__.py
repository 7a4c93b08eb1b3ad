"""What a person looks at after a run: figures, and one page that holds them all."""
