"""Laws that hold for the math rule on generated answers: the same value is paid in every writing, another value in none."""
