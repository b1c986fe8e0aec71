"""A lab that tells a story: its place, its people, ninety days of use and a day to play with."""
