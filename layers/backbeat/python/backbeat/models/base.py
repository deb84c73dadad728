"""What every stored model shares."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. Its JSON dump, with decimals as strings, is the stored form."""

    model_config = ConfigDict(frozen=True, extra="ignore")
