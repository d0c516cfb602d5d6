using System.Globalization;
using System.Text;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class PackedListTests
{
    /// <summary>Lists that are packed, lists that stop being so, and lists that never were.</summary>
    [Fact]
    public void A_streamed_value_is_the_value_that_is_read_whole()
    {
        var value = new Dictionary<object, object?>
        {
            ["floats"] = new List<object?> { 0.5, double.NaN, -0.0, double.MaxValue },
            ["texts"] = new List<object?> { "", "a", "über 語", "again", "again", new string('x', 70_000) },
            ["empty"] = new List<object?>(),
            ["whole numbers"] = new List<object?> { 1L, 2L },
            ["float and whole number"] = new List<object?> { 1.5, 2L, 3.5 },
            ["texts and none"] = new List<object?> { "a", null, double.NaN, "b" },
            ["none and texts"] = new List<object?> { null, "a", "b" },
            ["nan and texts"] = new List<object?> { double.NaN, "a", 1.5 },
            ["text and float"] = new List<object?> { "a", 1.5, "b" },
            ["lists"] = new List<object?> { new List<object?> { 1.5, 2.5 }, new List<object?> { "a" }, new List<object?>() },
            ["tuple"] = new object?[] { 1.5, "a", new List<object?> { "b" }, new object?[] { 2.5 } },
            ["many"] = Enumerable.Range(0, 2500).Select(object? (i) => i / 2.0).ToList(),
            ["many texts"] = Enumerable.Range(0, 2500).Select(object? (i) => $"caption {i}").ToList(),
            ["many, mixed late"] = Enumerable.Range(0, 2500).Select(object? (i) => i < 2400 ? $"caption {i}" : null).ToList(),
            ["text"] = "alone",
            ["float"] = 1.5,
        };
        Same(PickleReaderTests.Written(new Dictionary<object, object?> { ["first"] = value, ["second"] = value.ToDictionary() }));
    }

    /// <summary>What Python's pickler does not write, or does in protocols 0 to 3: {'a': …} with one operation or another for the value.</summary>
    [Theory]
    [InlineData("]X\u0001\0\0\0ba")] // APPEND of one text
    [InlineData("]G?\u00f0\0\0\0\0\0\0a")]
    [InlineData("(X\u0001\0\0\0bX\u0001\0\0\0cl")] // LIST
    [InlineData("(F1.5\nF2.5\nl")]
    [InlineData("](X\u0001\0\0\0bq\u0001h\u0001X\u0001\0\0\0ch\u0001e")] // a text named again
    [InlineData("](X\u0001\0\0\0b2X\u0001\0\0\0ce")] // DUP
    [InlineData("](X\u0001\0\0\0bX\u0001\0\0\0c0X\u0001\0\0\0de")] // POP
    [InlineData("](X\u0001\0\0\0b(X\u0001\0\0\0c1X\u0001\0\0\0de")] // POP_MARK
    [InlineData("](X\u0001\0\0\0b(X\u0001\0\0\0cX\u0001\0\0\0dtX\u0001\0\0\0ee")] // TUPLE among texts
    [InlineData("](U\u0001\u00e9X\u0001\0\0\0be")] // Python 2's str, Latin-1
    [InlineData("](X\u0001\0\0\0\u00e9X\u0001\0\0\0be")] // a byte that is no UTF-8
    [InlineData("(X\u0001\0\0\0bX\u0001\0\0\0cd")] // DICT
    [InlineData("}X\u0001\0\0\0bX\u0001\0\0\0cs")] // SETITEM
    [InlineData("]q\u0001(h\u0001X\u0001\0\0\0be0X\u0001\0\0\0b")] // a list in itself, taken off again
    [InlineData("ccollections\nOrderedDict\n](](X\u0001\0\0\0bG?\u00f0\0\0\0\0\0\0e](X\u0001\0\0\0cNee\u0085R")]
    public void Every_operation_gives_the_same_streamed(string operations) =>
        Same(Encoding.Latin1.GetBytes($"\u0080\u0002}}(X\u0001\0\0\0a{operations}u."));

    [Fact]
    public void Floats_and_texts_are_handed_over_as_they_lie_in_the_file()
    {
        var value = new Dictionary<object, object?> { ["start"] = new List<object?> { 0.5, 1.5 }, ["text"] = new List<object?> { "über", "", "a" } };
        var entry = PickleReaderTests.Dictionary(Streamed(PickleReaderTests.Written(new Dictionary<object, object?> { ["v"] = value }))["v"]);
        var (start, text) = (Assert.IsType<PackedList>(entry["start"]), Assert.IsType<PackedList>(entry["text"]));
        Assert.Equal([0.5, 1.5], start.Numbers);
        Assert.False(start.TryText(0, out _));
        Assert.True(text.Numbers.IsEmpty);
        Assert.Equal(["über", "", "a"], Enumerable.Range(0, 3).Select(i => text.TryText(i, out var utf8) ? Encoding.UTF8.GetString(utf8) : null));
        Assert.Throws<ArgumentOutOfRangeException>(() => text[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => start[-1]);
    }

    static void Same(byte[] pickle)
    {
        var whole = PickleReaderTests.Dictionary(PickleReader.Read(pickle, "x"));
        Assert.NotEmpty(whole);
        Assert.Equal(Show(whole), Show(Streamed(pickle)));
    }

    static Dictionary<object, object?> Streamed(byte[] pickle)
    {
        var items = new Dictionary<object, object?>();
        PickleReader.ReadTopLevelDictionary(new MemoryStream(pickle), "x", (key, value) => items.Add(key, value));
        return items;
    }

    static string Show(object? value) => value switch
    {
        Dictionary<object, object?> dictionary => $"{{{string.Join(", ", dictionary.Select(pair => $"{Show(pair.Key)}: {Show(pair.Value)}"))}}}",
        object?[] tuple => $"({string.Join(", ", tuple.Select(Show))})",
        IReadOnlyList<object?> list => $"[{string.Join(", ", list.Select(Show))}]",
        string text => $"'{text}'",
        double number => $"float {number.ToString("R", CultureInfo.InvariantCulture)}",
        null => "None",
        _ => $"{value.GetType().Name} {value}",
    };
}
