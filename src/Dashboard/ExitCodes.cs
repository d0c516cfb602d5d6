namespace Mcn.Web.Dashboard;

/// <summary>Exit codes of the dashboard; the same meanings as the trainer's.</summary>
public static class ExitCodes
{
    public const int Done = 0;

    /// <summary>It could not be done: an address in use, a database of a newer program.</summary>
    public const int Fails = 1;

    /// <summary>Wrong usage; nothing was started, every mistake is listed.</summary>
    public const int Usage = 2;

    /// <summary>Refused: another dashboard holds the folder.</summary>
    public const int Refused = 3;
}
