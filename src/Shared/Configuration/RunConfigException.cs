namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// Every mistake of a configuration at once; the message has one line per mistake. The program prints it as it is, without
/// a stack trace, starts nothing and ends with <see cref="ExitCode"/>.
/// </summary>
public sealed class RunConfigException : Exception
{
    public RunConfigException(IReadOnlyList<ConfigMistake> mistakes, Exception? inner = null)
        : base(string.Join('\n', mistakes), inner) => Mistakes = mistakes;

    /// <summary>In the order of the file, then of the overrides, then of the keys and rules; never empty.</summary>
    public IReadOnlyList<ConfigMistake> Mistakes { get; }

    /// <summary>2: wrong usage or configuration.</summary>
    public int ExitCode => 2;
}
