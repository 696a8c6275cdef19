import pytest
from hypothesis import given, strategies as st

from blast.recipients import Row
from blast.variables import BadBody, Missing, fill, lacking, names, normal_name, preview, unknown

BUDI = Row(2, "6281234567890", "Budi", variables={"kota": "Bandung", "nama_toko": "Toko {name}", "kosong": " "})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Halo {name}!", "Halo Budi!"),
        ("Halo {Nama}, {KOTA}", "Halo Budi, Bandung"),
        ("{ name }", "Budi"),
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{Budi}"),
        ("{Nama Toko}", "Toko {name}"),
        ("{phone} {outlet}", "6281234567890 Kemang"),
        ("100% %(name)s %s $name", "100% %(name)s %s $name"),
        ("", ""),
    ],
)
def test_fill(body, message):
    assert fill(body, BUDI, "Kemang") == message


@pytest.mark.parametrize(
    "body", ["{", "}", "{}", "{ }", "a {b", "{name", "name}", "{na{me}", "{a\nb}", "{a!}", "{" + "a" * 51 + "}"]
)
def test_a_stray_brace_is_said(body):
    with pytest.raises(BadBody):
        fill(body, BUDI)
    with pytest.raises(BadBody):
        names(body)


def test_where_the_stray_brace_is():
    with pytest.raises(BadBody) as caught:
        names("Halo {name} :}")
    assert (caught.value.at, caught.value.mark) == (13, "}")


@pytest.mark.parametrize(("body", "name"), [("{umur}", "umur"), ("{kosong}", "kosong"), ("{outlet}", "outlet")])
def test_nothing_to_fill_in_is_never_sent(body, name):
    with pytest.raises(Missing) as caught:
        fill(body, BUDI)
    assert caught.value.name == name


def test_names_in_the_order_of_their_use():
    assert names("{kota} {name} {Kota} {{x}} {outlet} {nama}") == ["kota", "name", "outlet"]
    assert unknown("{kota} {name} {harga} {outlet} {phone}", ["kota"]) == ["harga"]
    assert lacking(["name", "outlet", "kota", "kosong", "umur"], BUDI) == "kosong"
    assert lacking(["name", "outlet", "kota"], BUDI) is None


def test_a_preview_shows_the_gaps():
    assert list(preview("Halo {name} di {kota}", [BUDI, Row(3, "62812")])) == [
        "Halo Budi di Bandung",
        "Halo {name} di {kota}",
    ]


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Nama Kota", "nama_kota"),
        (" nama-kota ", "nama_kota"),
        ("No. HP", "no_hp"),
        ("Größe", "grösse"),
        ("!", ""),
        ("", ""),
    ],
)
def test_headings(heading, name):
    assert normal_name(heading) == name


@given(st.text())
def test_doubled_braces_say_what_was_written(text):
    assert fill(text.replace("{", "{{").replace("}", "}}"), BUDI) == text


@given(st.text(min_size=1).filter(lambda text: text.strip()), st.text())
def test_what_is_filled_in_is_no_template(name, around):
    around = around.replace("{", "").replace("}", "")
    assert fill(around + "{name}" + around, Row(1, "62812", name)) == around + name.strip() + around
