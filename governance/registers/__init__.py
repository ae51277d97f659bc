"""What the registers of findings and of exceptions share: their parts on other pages, and tables that come in and go out."""
