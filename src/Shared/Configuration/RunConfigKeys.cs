using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// Every key of a configuration, declared once. To add one: a property in RunConfig.cs, and one line here or in
/// RunConfigKeys.Network.cs at the same place; a test compares the two. Then `MCN_UPDATE_DOCS=1` and the tests once.
/// Defaults are the published recipe (mcn-spec §1.1).
/// </summary>
public static partial class RunConfigKeys
{
    /// <summary>The section whose value may also be a preset: "original" or "default".</summary>
    internal const string Compatibility = "compatibility";

    /// <summary>Packed shards, the other source of training data.</summary>
    internal const string Shards = "data.shards";

    internal const string FormatVersion = "format_version";

    internal const string Name = "name";

    /// <summary>All keys, in the order of the records.</summary>
    public static IReadOnlyList<ConfigKey> All { get; } = Declare();

    /// <summary>The sections and what they are about, in order; the empty one is the top of the file.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Sections { get; } =
    [
        new("", "Which run this is, and where it computes."),
        new("data", "What is read, and how clips are drawn from it."),
        new("model", "Sizes of the network. The defaults give 223,776,770 parameters."),
        new("objective", "The loss: contrastive + clu_lamb x cluster + recon_weight x reconstruction."),
        new("optimizer", "Adam and its learning rate over time."),
        new("checkpoint", "When checkpoints are written and how many stay."),
        new("evaluation", "Retrieval during training."),
        new("telemetry", "What is reported, and how often."),
        new(Compatibility, "Faults and habits of the original program that change results (docs/evaluation.md has the whole list). The value may also be one word: \"original\" turns all of "
            + "them on, \"default\" is the same as leaving the section out."),
    ];

    internal static ConfigKey? Find(string path) => All.FirstOrDefault(key => key.Path == path);

    internal static bool IsSection(string name) => name.Length > 0 && Sections.Any(section => section.Key == name);

    internal static IEnumerable<ConfigKey> Of(string section) => All.Where(key => key.Section == section);

    static List<ConfigKey> Declare() => [.. Run(), .. Data(), .. Model(), .. Objective(), .. Optimizer(), .. Upkeep(), .. Faults()];

    static IEnumerable<ConfigKey> Run() =>
    [
        Key(FormatVersion, new WholeNumber(1, ProtocolVersion.Config), ProtocolVersion.Config, "Version of this layout."),
        new(Name, new LineOfText(100), "What people call the run.") { DefaultText = "the file's name without extension" },
        // 2^53 - 1: every JSON reader, a browser's too, keeps it exactly.
        Key("seed", new WholeNumber(0, 9_007_199_254_740_991), 1,
            "Seed of initialisation, order of videos, choice of clips and k-means draws."),
        Key("devices", new ListOf(new DeviceName(), 1, OrOne: true), new JsonArray("cpu"),
            "Where the network is trained, one replica each: \"cuda:0\", \"cuda:1\", …, or \"cpu\" so many times. The numbers do not depend on how many."),
        Key("cpu_threads", new WholeNumber(0, 1024), 0, "Threads inside one tensor operation on the CPU; 0 = every core.", "threads"),
        Key("precision", new OneOf("fp32", "tf32", "bf16"), "fp32",
            "Arithmetic of the network's products; weights, similarities and losses are in single precision in each. \"tf32\": matrix products and convolutions of a GPU with 10 bits of fraction, no effect on the CPU; "
            + "\"bf16\": weights and inputs of products rounded to bfloat16, and the maps of the audio tower, which take half the memory on a GPU; on the CPU the same rounding at about the cost of \"fp32\"."),
        Key("deterministic", new Flag(), true,
            "Whether kernels of a GPU give the same bits each time, so that a run that was left and gone on with is the run that was not. Off: whichever kernel is the fastest. The CPU's always do."),
    ];

    static IEnumerable<ConfigKey> Upkeep() =>
    [
        Key("checkpoint.every_epochs", new WholeNumber(1), 1,
            "Between two checkpoints; the last epoch and a stop always write one.", "epochs"),
        Key("checkpoint.every_steps", new WholeNumber(0), 0, "Between two checkpoints; 0 = by time only.", "steps"),
        Key("checkpoint.max_loss_seconds", new RealNumber(1, 86_400), 120.0,
            "The most work that the death of the trainer may cost; a disk too slow for it is told on the page.", "seconds"),
        Key("checkpoint.max_overhead", new RealNumber(0, 1, WithoutLeast: true), 0.01,
            "The most of the time that training may stand still for snapshots."),
        Key("checkpoint.memory_every_seconds", new RealNumber(0, 86_400), 10.0,
            "Between two snapshots in memory, at least; they outlive the trainer's process, not the machine. 0 = none.", "seconds"),
        Key("checkpoint.keep_last", new WholeNumber(1), 3,
            "Newest checkpoints that stay; older ones are deleted, unless pinned, from before a crash, or kept by the next two keys.", "checkpoints"),
        Key("checkpoint.keep_best", new WholeNumber(0), 1,
            "Checkpoints with the best evaluation that stay (mean of R@1, R@5, R@10, text to video and audio).", "checkpoints"),
        Key("checkpoint.keep_every_epochs", new WholeNumber(0), 0, "Each so-many-th epoch's checkpoint stays; 0 = none.", "epochs"),
        Key("checkpoint.reserve_bytes", new WholeNumber(0, long.MaxValue), 1L << 30, "Free space that a checkpoint must leave on its disk.", "bytes"),
        Key("checkpoint.max_hold_seconds", new RealNumber(0, 31_536_000), 7200.0,
            "A hold that lasts longer becomes save and release: the GPUs are freed, resume goes on from there. 0 = never.", "seconds"),
        Key("evaluation.eval_files", new ListOf(new PathOf(PathTarget.FileOrFolder), 0, OrOne: true), new JsonArray(),
            "Evaluation sets: the original's .pkl, or a folder or tar of npy members and json with the same fields."),
        Key("evaluation.every_epochs", new WholeNumber(1), 1, "Between two evaluations; the last epoch is always evaluated.", "epochs"),
        Key("evaluation.num_frames_multiplier", new WholeNumber(1, 100), 5,
            "Audio length = 1024 frames x this. The original: 5 for YouCook2, 3 for MSR-VTT and LSMDC.", "x 1024 frames"),
        Key("evaluation.batch_size_val", new WholeNumber(1), 256, "In one forward pass; the result does not depend on it.", "clips"),
        Key("evaluation.bootstrap_samples", new WholeNumber(1, 1_000_000), 1000,
            "Resamples of the queries behind the 95 % intervals.", "resamples"),
        Key("telemetry.n_display", new WholeNumber(1), 20, "Between two reported steps (200 in the original).", "steps"),
    ];

    static IEnumerable<ConfigKey> Faults() =>
    [
        Fault("negative_first_frame", false, "A clip that starts before 0.0125 s gets frame -2 or -1, which empties its audio (Q2)."),
        Fault("redraw_centroids_each_epoch", false, "k-means draws new centroids at every epoch start (Q14)."),
        Fault("zero_empty_clusters", false,
            "k-means runs until its centroids rest, and that of an empty cluster becomes the zero vector; off: an empty or tiny cluster takes half of the largest one, and a fit ends when fewer than 0.1 % of the rows change (Q14)."),
        Fault("schedule_rises_again", false, "After the last planned step the learning rate rises again along the cosine (Q16)."),
        Fault("optimistic_ties", false,
            "In retrieval a tie counts as every position it spans, each as a match; clips without audio do not enter the median (Q18)."),
        Fault("cluster_divisor_three", false, "The cluster terms are divided by 3 with two modalities too (Q27)."),
        Fault("pool_over_padding", true,
            "In training the audio is averaged over its padding too; off: over the valid frames, as in evaluation (Q9)."),
        Fault("padding_words_take_part", true,
            "Padding words take part in the maximum over a clip's words; off: only where a clip has no word (Q10)."),
        Fault("pad_with_loudest", true, "Audio is padded with 0 dB, the loudest value; off: with -80 dB (Q12)."),
        Fault("targets_carry_gradient", true,
            "The reconstruction's targets of audio and text carry gradient; off: they are constants (Q13)."),
        Fault("labels_before_last_update", true,
            "After a k-means fit the labels are those before the last update of the centroids; off: they are assigned anew (Q15)."),
        Fault("none_is_a_word", true, "Captions that are None or NaN become the words None and nan; off: they have no words (Q21)."),
    ];

    static ConfigKey Fault(string name, bool on, string doc) => Key($"{Compatibility}.{name}", new Flag(), on, doc);

    static ConfigKey Key(string path, ConfigType type, JsonNode value, string doc, string unit = "") =>
        new(path, type, doc) { Default = value, Unit = unit };
}
