namespace Mcn.Web.Shared;

/// <summary>Versions of everything persistent or on the wire. A reader refuses a newer version and migrates an older one.</summary>
public static class ProtocolVersion
{
    /// <summary>`config.json` and every configuration file.</summary>
    public const int Config = 1;

    /// <summary>`run.json`: identity and incarnations of a run.</summary>
    public const int Run = 1;

    /// <summary>`state.json` of a checkpoint folder, and the files beside it.</summary>
    public const int Checkpoint = 3;

    /// <summary>`knobs.json` of a run.</summary>
    public const int Knobs = 1;

    /// <summary>Records of the journal (framing and payload).</summary>
    public const int Journal = 1;

    /// <summary>Crash reports: layout of the archive.</summary>
    public const int CrashReport = 1;

    /// <summary>Messages between trainer and dashboard. 2: commands carry a generation and a duration instead of an end by the issuer's clock. 3: orders about checkpoints; a run may have a parent.</summary>
    public const int Wire = 3;

    /// <summary>The sample set: what `data sample` writes for a seed.</summary>
    public const int SampleSet = 1;
}
