using System.CommandLine;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>
/// `eval`: figures of a checkpoint on a set. Nothing of the training set is read (mcn-spec Q23): sizes come from the weights, and of the
/// word vectors only the set's own words are taken.
/// </summary>
static class EvalVerb
{
    static readonly Option<string> Checkpoint = new("--checkpoint")
    {
        Description = "A run's folder or one of its checkpoints, a .safetensors file, or the original's .pth (both formats of torch.save)", Required = true,
    };

    static readonly Option<string> Data = new("--data")
    {
        Description = "Retrieval: the original's .pkl, or a folder or .tar of npy members and json. Step localisation: a folder with a csv of videos (docs/evaluation.md)",
        Required = true,
    };

    static readonly Option<FileInfo?> Config = new("--config") { Description = "Configuration to take settings from (default: the one of the run that the checkpoint lies in)" };
    static readonly Option<string?> Word2vec = new("--word2vec") { Description = "Word vectors in Google's binary layout (default: the configuration's, or those beside --data or --checkpoint)" };
    static readonly Option<string?> Kind = new("--kind") { Description = "Which set it is, where its layout and name do not tell" };
    static readonly Option<string> Ties = new("--ties") { Description = "average: the middle of the places that a tie spans; original: every place is a match, as the original counts", DefaultValueFactory = _ => "" };
    static readonly Option<int?> FramesMultiplier = new("--frames-multiplier") { Description = "Audio length = 1024 frames x this (default: 5 for YouCook2, 3 for MSR-VTT and LSMDC, else the configuration's, else 5)" };
    static readonly Option<int?> MaxWords = new("--max-words") { Description = "Words kept of a sentence (default: the configuration's, else 20; 30 for step localisation)" };
    static readonly Option<int?> BatchSize = new("--batch-size") { Description = "Clips in one forward pass; the result does not depend on it (default 64)" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object" };
    static readonly Option<bool> VerifyPaper = new("--verify-paper") { Description = "Compare with the paper's 18.1 / 35.5 / 45.2 on YouCook2, or say what differs; exit 1 when it is not reached" };

    public static Command Command()
    {
        Kind.AcceptOnlyFromAmong(PublishedFigures.YouCook2, PublishedFigures.MsrVtt, PublishedFigures.Lsmdc, PublishedFigures.OtherClips);
        Ties.AcceptOnlyFromAmong("", "average", "original");
        var command = new Command("eval", "Retrieval or step-localisation figures of a checkpoint")
        {
            Checkpoint, Data, Config, Word2vec, Kind, Ties, FramesMultiplier, MaxWords, BatchSize, Json, VerifyPaper,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var request = new EvalRequest(arguments.GetRequiredValue(Checkpoint), arguments.GetRequiredValue(Data), arguments.GetValue(Config)?.FullName)
        {
            Word2vec = arguments.GetValue(Word2vec),
            Kind = arguments.GetValue(Kind),
            OriginalTies = arguments.GetValue(Ties) switch { "original" => true, "average" => false, _ => null },
            FramesMultiplier = Positive("--frames-multiplier", arguments.GetValue(FramesMultiplier)),
            MaxWords = Positive("--max-words", arguments.GetValue(MaxWords)),
            BatchSize = Positive("--batch-size", arguments.GetValue(BatchSize)) ?? EvalRequest.UsualBatchSize,
        };
        if (LocalisationSet.IsAt(request.Data))
        {
            return arguments.GetValue(VerifyPaper)
                ? throw new UserError("--verify-paper", $"{request.Data} is a step-localisation set", "YouCook2's retrieval set", "Leave the option out, or name youcook_val_audio.pkl", ExitCodes.Usage)
                : LocalisationEval.Run(request, arguments.GetValue(Json));
        }

        return RetrievalEval.Run(request, arguments.GetValue(Json), arguments.GetValue(VerifyPaper));
    }

    static int? Positive(string option, int? value) => value is null or (> 0 and <= 1_000_000)
        ? value
        : throw new UserError(option, $"{value}", "a whole number from 1 to 1,000,000", "Correct it", ExitCodes.Usage);
}
