"""Names as people read them."""


def title_of(skill: str) -> str:
    """A skill's name."""
    return skill.replace("_", " ")
