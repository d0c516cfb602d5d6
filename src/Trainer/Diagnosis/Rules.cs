using System.Text.RegularExpressions;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>
/// The table of texts, by family. One row a text; what needs readings besides text is in <see cref="Splits"/>. The order counts where two
/// rows fit one line: the more specific comes first.
/// </summary>
static partial class Rules
{
    public const string CublasExecutionFailed = "cublas-execution-failed";
    public const string UcxInotify = "ucx-inotify-watch";
    public const string DiskFull = "disk-full";
    public const string NoInodes = "no-inodes";
    public const string SharedMemoryFull = "shm-full";
    public const string InotifyWatches = "inotify-watches";
    public const string CannotAllocate = "cannot-allocate";
    public const string BusErrorText = "bus-error-text";
    public const string CudnnNotSupported = "cudnn-not-supported";
    public const string OomKill = "oom-kill";
    public const string OomKillHost = "oom-kill-host";
    public const string KernelSegfault = "kernel-segfault";

    const int RulesAGroup = 12;
    const string Established = "established";
    const string Supported = "supported";
    const string Hypothesis = "hypothesis";

    public static IReadOnlyList<Rule> Texts { get; } = [.. HarmlessOnes, .. Xid, .. Kernel, .. Gpu, .. Files, .. Host, .. Program, .. Collective, .. Ends];

    public static IReadOnlyList<Rule> Healable { get; } = [.. Texts.Where(rule => rule.HealedBy is not null)];

    /// <summary>Some rows at once, as many as one automaton takes: most lines of a log fit none, and a few looks tell so.</summary>
    static readonly (Regex Any, Rule[] Rules)[] Groups = [.. Texts.Chunk(RulesAGroup).Select(rules => (Pattern(string.Join('|', rules.Select(rule => $"(?:{rule.Pattern})"))), rules))];

    /// <summary>The first row that fits; null: none.</summary>
    public static Rule? Match(string text) =>
        Groups.Where(group => group.Any.IsMatch(text)).Select(group => group.Rules.First(rule => rule.Pattern.IsMatch(text))).FirstOrDefault();

    public static Rule Of(string id) => Texts.First(rule => rule.Id == id);

    static Rule Root(string id, string kind, string where, string retry, string confidence, string pattern, string title, string remedy) =>
        new(id, kind, RuleRole.Root, Pattern(pattern), title, where, retry, confidence, remedy);

    static Rule Messenger(string id, string kind, string where, string retry, string confidence, string pattern, string title, string remedy) =>
        new(id, kind, RuleRole.Messenger, Pattern(pattern), title, where, retry, confidence, remedy);

    static Rule End(string id, string kind, string where, string retry, string confidence, string pattern, string title, string remedy) =>
        new(id, kind, RuleRole.End, Pattern(pattern), title, where, retry, confidence, remedy);

    static Rule Cascade(string id, string kind, string pattern, string title, string remedy) =>
        new(id, kind, RuleRole.Cascade, Pattern(pattern), title, "unknown", "unknown", Hypothesis, remedy);

    static Rule Harmless(string id, string kind, string pattern, string title) =>
        new(id, kind, RuleRole.Harmless, Pattern(pattern), title, "host", "yes", Established, "");

    /// <summary>Time linear in the text, whatever the text.</summary>
    static Regex Pattern(string pattern) => new(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
}
