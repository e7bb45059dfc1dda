"""Model folders of other tools in airvec, and airvec's in other tools, each with its pinned packages."""
