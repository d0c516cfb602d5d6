using System.CommandLine;
using System.Diagnostics;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`data`: data sets to train on. `data sample` makes the one that is always at hand, `data mel` turns sound into what a video needs.</summary>
static class DataVerb
{
    static readonly Argument<string> Folder = new("DIR") { Description = "Where the set goes: a new or empty folder, or a sample set" };
    static readonly Option<long> Seed = new("--seed") { Description = "Another seed, another set", DefaultValueFactory = _ => SampleSet.DefaultSeed };
    static readonly Option<bool> Shuffle = new("--shuffle-captions")
    {
        Description = "Control: the same set with the texts of the training captions permuted, so that nothing can be learnt from them",
    };

    public static Command Command()
    {
        var sample = new Command("sample", "Makes the sample set: video, audio and text that have to be learnt, and 500 held-out clips")
        {
            Folder, Seed, Shuffle,
        };
        sample.SetAction(Run);
        return new Command("data", "Data sets") { sample, MelVerb.Command(), DataCheckVerb.Command(), DataInfoVerb.Command(), DataPackVerb.Command() };
    }

    static int Run(ParseResult arguments)
    {
        var folder = arguments.GetRequiredValue(Folder);
        var began = Stopwatch.GetTimestamp();
        try
        {
            var (set, isNew) = SampleSet.Make(folder, arguments.GetValue(Seed), arguments.GetValue(Shuffle));
            Console.WriteLine(FormattableString.Invariant(
                $"{folder}: sample set {set.FormatVersion}, seed {set.Seed}{(set.ShuffledCaptions ? ", captions SHUFFLED (control)" : "")}: {set.Videos} videos, ")
                + FormattableString.Invariant($"{set.Captions} captions, {set.HeldOut} held-out clips, {set.Bytes / 1e6:F1} MB; ")
                + (isNew ? FormattableString.Invariant($"made in {Stopwatch.GetElapsedTime(began).TotalSeconds:F1} s") : "it was there already"));
            return ExitCodes.Done;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"{folder}: stopped; nothing was left there");
            return ExitCodes.Interrupted;
        }
    }
}
