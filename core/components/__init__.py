"""What pages are made of: words and looks of states, written figures, and the tags that `{% load components %}` brings."""
