namespace Mcn.Web.Shared;

/// <summary>
/// A mistake that the user can mend: bad input, bad configuration, refused action. It is printed as one line, never as a
/// stack trace: what it is about, what was found, what was expected, what to do.
/// </summary>
public sealed class UserError : Exception
{
    /// <param name="subject">The file or key, as the user knows it.</param>
    /// <param name="found">What is there.</param>
    /// <param name="expected">What should be there; empty when the finding says it.</param>
    /// <param name="remedy">What to do about it.</param>
    /// <param name="exitCode">1: the thing asked about fails (default); 2: wrong usage or configuration; 3: refused.</param>
    /// <param name="inner">The cause, for the log file.</param>
    public UserError(string subject, string found, string expected, string remedy, int exitCode = 1, Exception? inner = null)
        : base(OneLine(subject, found, expected, remedy), inner)
    {
        Subject = subject;
        ExitCode = exitCode;
    }

    public string Subject { get; }

    public int ExitCode { get; }

    static string OneLine(string subject, string found, string expected, string remedy)
    {
        var line = $"{subject}: {found}"
            + (expected.Length > 0 ? $"; expected {expected}" : "")
            + (remedy.Length > 0 ? $". {remedy}" : "");
        return line.ReplaceLineEndings(" ");
    }
}
