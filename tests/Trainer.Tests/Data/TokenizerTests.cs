using System.Text.Json;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class TokenizerTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Splits_every_golden_sentence_as_the_original(string set)
    {
        var file = SharedFile.Golden(set, "tokenizer.json");
        using var golden = JsonDocument.Parse(File.ReadAllBytes(file));
        var sentences = golden.RootElement.GetProperty("sentences").EnumerateArray().ToList();
        Assert.NotEmpty(sentences);
        foreach (var item in sentences)
        {
            var input = item.GetProperty("input");
            object? value = input.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.Number => input.GetInt64(),
                _ when input.GetString() == "float:nan" => double.NaN,
                _ => input.GetString(),
            };
            var sentence = PythonValue.Text(value)!;
            Assert.Equal(item.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!), Tokenizer.Split(sentence));
        }
    }

    [Theory]
    [InlineData("x² ½ Ⅷ", "x² ½ Ⅷ")] // numbers of category No and Nl are word characters in Python
    [InlineData("e\u0301a", "e a")] // a combining mark is not
    [InlineData("a‿b", "a b")] // a connector other than the underscore is not
    [InlineData("don’t don't", "don t don't")] // only the ASCII apostrophe
    [InlineData("𝒳y 𠀀!", "𝒳y 𠀀")] // letters beyond U+FFFF
    [InlineData("a\ud800b", "a b")] // a lone surrogate
    [InlineData("___'", "___'")]
    public void Follows_the_rule_where_dotnet_differs(string sentence, string tokens) =>
        Assert.Equal(tokens.Split(' '), Tokenizer.Split(sentence));

    [Fact]
    public void Str_of_what_captions_may_hold_is_Pythons()
    {
        var expected = new (object? Value, string? Text)[]
        {
            (null, "None"), (double.NaN, "nan"), (1.0, "1.0"), (0.25, "0.25"), (-3L, "-3"), (true, "True"), (new List<object?>(), null),
        };
        foreach (var (value, text) in expected) Assert.Equal(text, PythonValue.Text(value));
    }
}
