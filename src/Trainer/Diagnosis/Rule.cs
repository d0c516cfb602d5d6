using System.Text.RegularExpressions;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>What a match of a rule is worth.</summary>
enum RuleRole
{
    /// <summary>May be the cause.</summary>
    Root,

    /// <summary>Looks like a cause and is none: goes to the ruled-out list with its reason.</summary>
    Harmless,
}

/// <summary>A line of text that means something.</summary>
/// <param name="Id">Stable name.</param>
/// <param name="Class">One of the classes of a verdict.</param>
/// <param name="Title">In one line: what it means. For a harmless one: why it is none.</param>
/// <param name="Rank">Lower wins among several roots: the more specific text.</param>
/// <param name="Where">`workload`, `host`, `gpu`, `unknown`.</param>
/// <param name="Retry">`yes`, `no`, `unknown`.</param>
/// <param name="Confidence">What the text alone establishes.</param>
sealed record Rule(string Id, string Class, RuleRole Role, int Rank, Regex Pattern, string Title, string Where, string Retry, string Confidence, string Remedy);
