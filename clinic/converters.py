"""URL parts: a public id is 22 letters of URL-safe base64, anything else is no such page."""


class PublicIdConverter:
    regex = "[A-Za-z0-9_-]{22}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
