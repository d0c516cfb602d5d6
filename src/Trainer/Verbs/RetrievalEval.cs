using System.Diagnostics;
using System.Text.Json;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Training;
using Spectre.Console;
using TorchSharp;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`eval` on a retrieval set.</summary>
static class RetrievalEval
{
    public static int Run(EvalRequest request, bool json, bool verify)
    {
        var began = Stopwatch.GetTimestamp();
        torch.set_num_threads(request.Threads);
        var set = RetrievalSet.Read(request.Data, request.Sizes, request.Kind);
        var words = new HashSet<string>(StringComparer.Ordinal);
        set.CollectWords(words);
        var vocabulary = Vocabulary.Read(request.WordVectors(), words, request.Sizes.WeDim);
        using var network = new EvaluationNetwork(request.Weights, vocabulary, request.Device, request.Config?.Compatibility);
        var settings = request.SettingsFor(set.Kind);
        var rows = RetrievalEvaluator.Evaluate(settings, set, vocabulary, batch => network.Encode(HostClips.From(batch)));
        var result = new EvaluationFinished
        {
            Step = 0, Epoch = 0, File = Path.GetFileName(set.File), N = set.Denominator, Set = set.Kind, Rows = rows,
            DurationSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
        };
        var findings = verify ? PaperCheck.Examine(settings, set, vocabulary, rows) : [];
        if (json) WriteJson(result, findings);
        else WriteTable(request, settings, set, result, findings);
        foreach (var warning in RetrievalTable.Warnings(result)) Console.Error.WriteLine($"warning: {warning}");
        return !verify || PaperCheck.Confirms(findings) ? ExitCodes.Done : ExitCodes.Fails;
    }

    static void WriteTable(EvalRequest request, EvaluationSettings settings, RetrievalSet set, EvaluationFinished result, IReadOnlyList<PaperFinding> findings)
    {
        var sizes = request.Sizes;
        Line($"{request.Weights.Path}: embd_dim {sizes.EmbdDim}, feature_dim {sizes.FeatureDim}, layer_widths [{string.Join(", ", sizes.LayerWidths)}]");
        Line($"{set.File}: {set.Kind}, {set.Count} clips{(set.WithoutAudio > 0 ? $", {set.WithoutAudio} more without audio" : "")}, recalls over {set.Denominator}");
        Line($"audio {settings.Evaluation.NumFramesMultiplier} x 1024 frames, {settings.MaxWords} words, ties {(settings.Compatibility.OptimisticTies ? "as the original counts" : "averaged")}");
        AnsiConsole.Write(RetrievalTable.Of(result));
        foreach (var note in RetrievalTable.Notes(result)) Console.WriteLine(note);
        if (findings.Count == 0) return;
        Console.WriteLine();
        Console.WriteLine(PaperCheck.Confirms(findings) ? "The paper's figures are reproduced: each lies in our 95 % interval." : "The paper's figures are NOT reproduced. What differs:");
        foreach (var finding in findings) Console.WriteLine($"  {(finding.Agrees ? "ok     " : "differs")} {finding.Id}: {finding.Found}; expected {finding.Expected}");
        if (!PaperCheck.Confirms(findings) && findings.All(finding => finding.Agrees || finding.Id is "r1" or "r5" or "r10"))
            Console.WriteLine("  Data and sizes are as they should be: these weights are not those of the paper's table (another epoch or variant), or the features were extracted otherwise.");
    }

    static void WriteJson(EvaluationFinished result, IReadOnlyList<PaperFinding> findings)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            JsonReport.WriteTable(json, result);
            if (findings.Count > 0)
            {
                json.WriteStartObject("paper");
                json.WriteBoolean("reproduced", PaperCheck.Confirms(findings));
                json.WriteStartArray("checks");
                foreach (var finding in findings)
                {
                    json.WriteStartObject();
                    json.WriteString("id", finding.Id);
                    json.WriteBoolean("agrees", finding.Agrees);
                    json.WriteString("found", finding.Found);
                    json.WriteString("expected", finding.Expected);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        Console.WriteLine(System.Text.Encoding.UTF8.GetString(memory.ToArray()));
    }

    static void Line(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));
}
