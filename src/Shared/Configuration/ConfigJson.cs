using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mcn.Web.Shared.Configuration;

/// <summary>JSON as configuration files write it: comments and trailing commas allowed, errors with line and column.</summary>
static class ConfigJson
{
    // A configuration is a few kilobytes; the bound keeps `--config word2vec.bin` from filling the memory.
    const int LargestFileBytes = 4 << 20;

    static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The root value of a file; throws <see cref="RunConfigException"/> with one mistake when it cannot be read.</summary>
    internal static JsonElement ReadFile(string path)
    {
        var bytes = ReadBytes(path);
        var content = bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
        try
        {
            RefuseHalfSurrogates(path, content.Span);
            using var document = JsonDocument.Parse(content, Lenient);
            return document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            var (line, column) = Place(content.Span, error.LineNumber ?? 0, error.BytePositionInLine ?? 0);
            var what = error.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            throw Unreadable(path, string.Create(CultureInfo.InvariantCulture, $"line {line}, column {column}"),
                $"a JSON error ({what})", "JSON (comments and trailing commas are allowed)", "Mend that line", error);
        }
    }

    /// <summary>One JSON value, as in `--set key=VALUE`.</summary>
    internal static bool TryParseValue(string text, out JsonElement value)
    {
        value = default;
        try
        {
            using var document = JsonDocument.Parse(text, Lenient);
            value = document.RootElement.Clone();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    internal static JsonElement FromText(string text)
    {
        // Through UTF-8, so that half a surrogate pair becomes the replacement character instead of an exception.
        var whole = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        using var document = JsonDocument.Parse($"\"{JsonEncodedText.Encode(whole)}\"");
        return document.RootElement.Clone();
    }

    static byte[] ReadBytes(string path)
    {
        try
        {
            if (Directory.Exists(path)) throw Unreadable(path, "", "a folder", "a configuration file", "Name the file in it");
            if (!File.Exists(path))
                throw Unreadable(path, "", "no file", "a configuration file", $"There is none at {Path.GetFullPath(path)}");
            if (new FileInfo(path).Length > LargestFileBytes)
                throw Unreadable(path, "", "a file of more than 4 MiB", "a configuration file", "Name the configuration, not the data");
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Unreadable(path, "", $"it unreadable ({error.Message})", "a configuration file", "Check its rights and its disk", error);
        }
    }

    // JsonDocument accepts "\ud800" and bytes that are no UTF-8, and throws only when such a string is used.
    static void RefuseHalfSurrogates(string path, ReadOnlySpan<byte> content)
    {
        var options = new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        var reader = new Utf8JsonReader(content, options);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName)) continue;
            try
            {
                _ = reader.GetString();
            }
            catch (InvalidOperationException error)
            {
                var before = content[..(int)reader.TokenStartIndex];
                var (line, column) = Place(content, before.Count((byte)'\n'), before.Length - (before.LastIndexOf((byte)'\n') + 1));
                throw Unreadable(path, string.Create(CultureInfo.InvariantCulture, $"line {line}, column {column}"),
                    "text that is not Unicode", "UTF-8", "Save the file as UTF-8", error);
            }
        }
    }

    /// <summary>Line and column from 1, in characters, as an editor counts them.</summary>
    static (long Line, long Column) Place(ReadOnlySpan<byte> content, long linesBefore, long bytesBefore)
    {
        var start = 0;
        for (var line = 0L; line < linesBefore; line++)
        {
            var end = content[start..].IndexOf((byte)'\n');
            if (end < 0) break;
            start += end + 1;
        }

        var bytes = (int)Math.Min(bytesBefore, content.Length - start);
        return (linesBefore + 1, Encoding.UTF8.GetCharCount(content.Slice(start, bytes)) + 1);
    }

    static RunConfigException Unreadable(
        string path, string place, string found, string expected, string remedy, Exception? inner = null) =>
        new([new ConfigMistake { Source = path, Key = place, Found = found, Expected = expected, Remedy = remedy }], inner);
}
