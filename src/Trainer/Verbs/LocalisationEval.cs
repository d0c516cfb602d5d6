using System.Globalization;
using System.Text.Json;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Training;
using Spectre.Console;
using TorchSharp;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`eval` on a step-localisation set.</summary>
static class LocalisationEval
{
    const int UsualWords = 30;

    public static int Run(EvalRequest request, bool json)
    {
        torch.set_num_threads(request.Threads);
        using var set = LocalisationSet.Open(request.Data);
        var words = new HashSet<string>(StringComparer.Ordinal);
        set.CollectWords(words);
        var vocabulary = Vocabulary.Read(request.WordVectors(), words, request.Sizes.WeDim);
        using var network = new EvaluationNetwork(request.Weights, vocabulary, request.Device, request.Config?.Compatibility);
        var settings = request.SettingsFor(PublishedFigures.OtherClips) with { MaxWords = request.MaxWords ?? UsualWords };
        var result = LocalisationEvaluator.Evaluate(settings, set, vocabulary, batch => network.Encode(HostClips.From(batch)));
        if (json) WriteJson(set, result);
        else WriteTable(set, result);
        if (result.TooShort > 0) Console.Error.WriteLine($"warning: {result.TooShort} videos have fewer seconds than steps and are left out");
        if (result.WithoutSteps > 0) Console.Error.WriteLine($"warning: {result.WithoutSteps} videos have no annotated step and count in no mean (the original prints nan then)");
        return ExitCodes.Done;
    }

    static void WriteTable(LocalisationSet set, LocalisationResult result)
    {
        var names = result.Rows[0].Figures.Keys.ToArray();
        Console.WriteLine($"{set.Path}: {(set.IsCrossTask ? "CrossTask" : "Mining YouTube")}, {set.Videos.Count} videos, {set.Videos.Select(video => video.Task).Distinct().Count()} tasks");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("direction");
        foreach (var name in names) table.AddColumn(name + " %");
        foreach (var row in result.Rows) table.AddRow([row.Direction, .. names.Select(name => (100 * row.Figures[name]).ToString("F1", CultureInfo.InvariantCulture))]);
        AnsiConsole.Write(table);
        foreach (var line in Definitions(set.IsCrossTask)) Console.WriteLine(line);
    }

    static string[] Definitions(bool isCrossTask) => isCrossTask
        ?
        [
            "Decoding: steps in order, each on exactly one second. recall_official: steps found / steps annotated, summed over a task's videos, then the mean over tasks",
            "(CrossTask's definition). recall_original: the mean over videos, then tasks, as the original's script. Cited for MCN in " + PublishedFigures.CitedIn + ": recall 35.1.",
        ]
        :
        [
            "recall: steps in order, each on exactly one second; steps found / steps annotated, mean over videos. iod and iou are",
            FullSegmentation.Definition + ".",
        ];

    static void WriteJson(LocalisationSet set, LocalisationResult result)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteString("file", Path.GetFileName(set.Path));
            json.WriteNumber("n", set.Videos.Count);
            json.WriteString("kind", set.IsCrossTask ? "crosstask" : "mining_youtube");
            json.WriteNumber("too_short", result.TooShort);
            json.WriteNumber("without_steps", result.WithoutSteps);
            json.WriteStartArray("rows");
            foreach (var row in result.Rows)
            {
                json.WriteStartObject();
                json.WriteString("direction", row.Direction);
                foreach (var (name, value) in row.Figures)
                {
                    if (double.IsFinite(value)) json.WriteNumber(name, value);
                    else json.WriteNull(name);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        Console.WriteLine(System.Text.Encoding.UTF8.GetString(memory.ToArray()));
    }
}
