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

    // A worker's own reasons. Below 64, so that no shell's sum (128 + signal) and no sysexits code is taken for one.

    /// <summary>Input data is missing, torn or non-finite.</summary>
    public const int BadData = 20;

    /// <summary>The loss or a weight is no number any more.</summary>
    public const int Numerics = 21;

    /// <summary>The device's memory does not suffice.</summary>
    public const int DeviceMemory = 22;

    /// <summary>The host's memory does not suffice.</summary>
    public const int HostMemory = 23;

    /// <summary>The device or its context is lost: nothing can go on in that process.</summary>
    public const int DeviceLost = 24;

    /// <summary>libtorch refused a call for another reason.</summary>
    public const int NativeError = 25;

    /// <summary>The disk refused: no space, no inodes, read-only.</summary>
    public const int Storage = 26;

    /// <summary>A replica stood still in the middle of a step; the others named it and left.</summary>
    public const int Stuck = 27;

    /// <summary>A fault of this program; the trace is printed because somebody must see it.</summary>
    public const int ProgramError = 70;

    /// <summary>Saved and left before the end, to be resumed.</summary>
    public const int SavedAndReleased = 75;

    /// <summary>A second signal ended the process at once: 128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
