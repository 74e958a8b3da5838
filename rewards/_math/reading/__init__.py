"""What an answer says: `clean` and `lex` write it one way, `answer` reads its structure, `parse` and `quantity` its expressions."""
