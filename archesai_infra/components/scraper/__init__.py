"""Web scraping: its settings and its component."""

from archesai_infra.components.scraper.component import MODULE, NAME, PORT, Scraper, ScraperSettings

__all__ = ["MODULE", "NAME", "PORT", "Scraper", "ScraperSettings"]
