namespace Mcn.Web.Trainer;

/// <summary>Exit codes of every verb, in one place (the README names them too).</summary>
public static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The thing asked about fails: torn data, loss not finite, a check that does not pass.</summary>
    public const int Fails = 1;

    /// <summary>Wrong usage or configuration; nothing was started.</summary>
    public const int Usage = 2;

    /// <summary>Refused: another process holds the run, or its state does not allow it.</summary>
    public const int Refused = 3;

    /// <summary>A fault of this program; the trace is printed because somebody must see it.</summary>
    public const int ProgramError = 70;

    /// <summary>Saved and left before the end, to be resumed.</summary>
    public const int SavedAndReleased = 75;

    /// <summary>A second signal ended the process at once: 128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
