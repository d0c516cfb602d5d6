using System.Globalization;
using System.Text;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Splits a sentence as the original does with Python's `[\w']+` (mcn-spec §3.5): maximal runs of Unicode letters and numbers,
/// underscore and ASCII apostrophe, case kept, nothing dropped. .NET's own `\w` is another set (it has combining marks and lacks
/// numbers such as one half), so categories are tested directly, by code point. A code point assigned since Unicode 14 may
/// differ from the original's Python.
/// </summary>
public static class Tokenizer
{
    static readonly bool[] AsciiWordParts = [.. Enumerable.Range(0, 128).Select(c => char.IsAsciiLetterOrDigit((char)c) || c is '_' or '\'')];

    /// <summary>The tokens, without making a string of any.</summary>
    public static Tokens Enumerate(ReadOnlySpan<char> sentence) => new(sentence);

    public static List<string> Split(string sentence)
    {
        var tokens = new List<string>();
        foreach (var token in Enumerate(sentence)) tokens.Add(token.ToString());
        return tokens;
    }

    /// <summary>Whether an ASCII character is part of a word.</summary>
    internal static bool IsAsciiWordPart(int c) => AsciiWordParts[c];

    static bool IsWordPart(Rune rune)
    {
        if (rune.IsAscii) return IsAsciiWordPart(rune.Value);
        return Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;
    }

    /// <summary>Enumerator over the tokens of one sentence; each is valid as long as the sentence.</summary>
    public ref struct Tokens
    {
        ReadOnlySpan<char> rest;

        internal Tokens(ReadOnlySpan<char> sentence) => rest = sentence;

        public ReadOnlySpan<char> Current { get; private set; }

        public readonly Tokens GetEnumerator() => this;

        public bool MoveNext()
        {
            var start = Run(rest, ofWordParts: false);
            var length = Run(rest[start..], ofWordParts: true);
            Current = rest.Slice(start, length);
            rest = rest[(start + length)..];
            return length > 0;
        }

        // Chars at the start that are all (or all not) part of a word. A lone surrogate decodes to U+FFFD, which is not:
        // Python sees category Cs there, which is not either.
        static int Run(ReadOnlySpan<char> text, bool ofWordParts)
        {
            var length = 0;
            while (length < text.Length)
            {
                // Nearly all of it is ASCII: no decoding.
                if (text[length] < 128)
                {
                    if (IsAsciiWordPart(text[length]) != ofWordParts) break;
                    length++;
                    continue;
                }

                Rune.DecodeFromUtf16(text[length..], out var rune, out var consumed);
                if (IsWordPart(rune) != ofWordParts) break;
                length += consumed;
            }

            return length;
        }
    }
}
