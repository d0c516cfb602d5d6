using System.Globalization;

namespace Mcn.Web.Trainer.Host;

enum Health
{
    Good,

    /// <summary>Between the two thresholds: what was raised stays raised, what was not is not raised.</summary>
    Between,
    Bad,
}

/// <summary>What one rule says of one thing in one sample. Where a figure is unknown there is no finding, and nothing changes.</summary>
/// <param name="Code">Of the alert; it is cleared as Code + `_cleared`.</param>
/// <param name="Subject">Which disk, which GPU; one alert of a code for each.</param>
/// <param name="Text">English, with the remedy.</param>
/// <param name="ClearedText">English.</param>
/// <param name="Parameters">For the page, which words it in the reader's language: raw numbers, invariant, unit in the key.</param>
sealed record Finding(
    string Code,
    string Subject,
    Health Health,
    string Text,
    string ClearedText,
    IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>Bad from <paramref name="bad"/> down, good again from <paramref name="good"/> up.</summary>
    public static Health Low(double value, double bad, double good) =>
        value <= bad ? Health.Bad : value >= good ? Health.Good : Health.Between;

    /// <summary>Bad from <paramref name="bad"/> up, good again from <paramref name="good"/> down.</summary>
    public static Health High(double value, double bad, double good) =>
        value >= bad ? Health.Bad : value <= good ? Health.Good : Health.Between;

    public static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>For people: `1.5 GiB`.</summary>
    public static string Size(long bytes)
    {
        var (value, unit) = bytes switch
        {
            >= 1L << 40 => (bytes / (double)(1L << 40), "TiB"),
            >= 1L << 30 => (bytes / (double)(1L << 30), "GiB"),
            _ => (bytes / (double)(1L << 20), "MiB"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {unit}");
    }
}
