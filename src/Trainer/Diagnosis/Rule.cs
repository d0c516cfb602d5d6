using System.Text.RegularExpressions;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>What a match of a rule is worth. The order is that of preference.</summary>
enum RuleRole
{
    /// <summary>May be the cause; among several the earliest is.</summary>
    Root,

    /// <summary>Reports a fault that happened elsewhere: readings and other texts say more. Among several the most specific.</summary>
    Messenger,

    /// <summary>Says only that it ended, and how.</summary>
    End,

    /// <summary>Follows from another end: never the cause where there is another.</summary>
    Cascade,

    /// <summary>Harms nothing by itself, but decides what a messenger means.</summary>
    Note,

    /// <summary>Looks like a cause and is none: goes to the ruled-out list with its reason.</summary>
    Harmless,
}

/// <summary>A line of text that means something. One line is one observation: the first rule of the table that fits.</summary>
/// <param name="Id">Stable name; the page's words are named after it.</param>
/// <param name="Class">One of the classes of a verdict.</param>
/// <param name="Title">In one line: what it means. For a harmless one: why it is none.</param>
/// <param name="Where">`workload`, `host`, `gpu`, `unknown`.</param>
/// <param name="Retry">`yes`, `no`, `unknown`.</param>
/// <param name="Confidence">What the text alone establishes.</param>
sealed record Rule(string Id, string Class, RuleRole Role, Regex Pattern, string Title, string Where, string Retry, string Confidence, string Remedy)
{
    /// <summary>The same by NVML instead of by text.</summary>
    public IReadOnlyList<int> Xids { get; init; } = [];

    /// <summary>A later line that takes it back.</summary>
    public Regex? HealedBy { get; init; }
}
