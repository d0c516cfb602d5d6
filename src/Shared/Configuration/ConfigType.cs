using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>What a key may hold: reads one JSON value, or says what was expected. Lists and texts: ConfigTextTypes.cs.</summary>
public abstract record ConfigType
{
    /// <summary>As in "expected …": `a whole number from 1 to 1024`.</summary>
    public abstract string Expected { get; }

    /// <summary>Whether `--set key=VALUE` is taken as text even where VALUE could be read as JSON (`--set name=2024`).</summary>
    internal virtual bool TakesText => false;

    /// <summary>The value in its one normal form, or null when it is wrong; then the remedy may say more.</summary>
    /// <param name="value">What the file or the override holds.</param>
    /// <param name="folder">Absolute folder against which relative paths are resolved.</param>
    /// <param name="remedy">What to do; empty when <see cref="Expected"/> says it all.</param>
    internal abstract JsonNode? Read(JsonElement value, string folder, out string remedy);

    /// <summary>The value as a mistake shows it: as it was written, cut to a length that fits on a line.</summary>
    internal static string Show(JsonElement value)
    {
        const int longest = 80;
        var text = value.ValueKind == JsonValueKind.Object ? "an object" : string.Join(' ', value.GetRawText().Split());
        return text.Length <= longest ? text : text[..longest] + "…";
    }

    /// <summary>`"5"` where 5 was meant: the most common slip of all.</summary>
    private protected string Unquote(JsonElement value, string folder)
    {
        if (value.ValueKind != JsonValueKind.String || !ConfigJson.TryParseValue(value.GetString()!, out var inner)) return "";
        return inner.ValueKind != JsonValueKind.String && Read(inner, folder, out _) is not null
            ? $"Write {inner.GetRawText()} without quotation marks"
            : "";
    }

    private protected static string Write(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>A whole number; 1e9 is one too, 1.5 is not.</summary>
/// <param name="Least">Smallest value allowed.</param>
/// <param name="Most">Largest value allowed; int.MaxValue and the like are not told to the user.</param>
public sealed record WholeNumber(long Least, long Most = int.MaxValue) : ConfigType
{
    public override string Expected => this switch
    {
        { Most: int.MaxValue } => string.Create(CultureInfo.InvariantCulture, $"a whole number, at least {Least}"),
        _ when Most == Least => Least.ToString(CultureInfo.InvariantCulture),
        _ => string.Create(CultureInfo.InvariantCulture, $"a whole number from {Least} to {Most}"),
    };

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = Unquote(value, folder);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out var number)) return null;
        if (number != decimal.Truncate(number)) return null;
        if (number >= Least && number <= Most) return JsonValue.Create((long)number);
        if (number > Most) remedy = string.Create(CultureInfo.InvariantCulture, $"The largest that can be used is {Most}");
        return null;
    }
}

/// <summary>A finite number.</summary>
/// <param name="Least">Lower bound.</param>
/// <param name="Most">Upper bound; infinite when there is none.</param>
/// <param name="WithoutLeast">The lower bound itself is not allowed.</param>
/// <param name="WithoutMost">The upper bound itself is not allowed.</param>
public sealed record RealNumber(
    double Least, double Most = double.PositiveInfinity, bool WithoutLeast = false, bool WithoutMost = false) : ConfigType
{
    public override string Expected => !WithoutLeast && !WithoutMost && double.IsFinite(Most)
        ? $"a number from {Write(Least)} to {Write(Most)}"
        : $"a number, {(WithoutLeast ? "more than" : "at least")} {Write(Least)}"
            + (double.IsFinite(Most) ? $" and {(WithoutMost ? "less than" : "at most")} {Write(Most)}" : "");

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = Unquote(value, folder);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number)) return null;
        var inside = (WithoutLeast ? number > Least : number >= Least) && (WithoutMost ? number < Most : number <= Most);
        return inside ? JsonValue.Create(number + 0.0) : null; // -0 becomes 0: equal values must have equal text
    }
}

/// <summary>true or false. The original's 0 and 1 are refused by name, because half of its flags with 0 and 1 are counts.</summary>
public sealed record Flag : ConfigType
{
    public override string Expected => "true or false";

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = value.GetRawText().Trim('"').ToUpperInvariant() switch
        {
            "1" or "TRUE" or "YES" or "ON" => "Write true",
            "0" or "FALSE" or "NO" or "OFF" => "Write false",
            _ => "",
        };
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? JsonValue.Create(value.GetBoolean()) : null;
    }
}
