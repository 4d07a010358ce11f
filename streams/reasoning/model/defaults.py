"""Where OpenAI is, and what is said where it cannot be asked: apart from `openai_model`, whose SDK imports slowly."""

from typing import Final

BASE_URL: Final = "https://api.openai.com/v1"
MAX_REPLY_TOKENS: Final = 4096
SCRIPTED_MODEL: Final = "scripted-1"
MISSING_KEY: Final = (
    "OPENAI_API_KEY is missing or empty: set it, or choose explanations without OpenAI "
    "(SKILLSTREAM_REASONING=scripted) or none (SKILLSTREAM_REASONING=off)"
)
