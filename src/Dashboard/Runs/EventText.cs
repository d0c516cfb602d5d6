using Mcn.Web.Dashboard.Alerts;
using Mcn.Web.Dashboard.Crashes;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>A record as one sentence in the viewer's language; texts that programs wrote stay English.</summary>
public static class EventText
{
    public static string Of(IStringLocalizer<Words> texts, TelemetryRecord record) => record switch
    {
        RunStarted started when started.FromStep == 0 => texts["EventStarted", started.Device, Show.Whole(started.TotalSteps)],
        RunStarted started => texts["EventContinued", Show.Whole(started.FromStep), started.Id?.Incarnation ?? 0],
        RunStateChanged state => texts["EventState", texts[StateShape.Of(state.State).Word], Show.Whole(state.Step), Because(texts, state)],
        EvaluationFinished evaluation => texts["EventEvaluation", evaluation.File, Show.Percent(evaluation.Rows.Count > 0 ? evaluation.Rows.Max(row => row.R10) : null, 1)],
        CheckpointWritten checkpoint => texts["EventCheckpoint", Show.Whole(checkpoint.Step), Show.Size(checkpoint.Bytes), Show.Figure(checkpoint.DurationSeconds)],
        ResumeProven { Exact: true } resume => texts["EventResumeExact", Show.Whole(resume.Step)],
        ResumeProven resume => texts["EventResumeDiffers", Show.Whole(resume.Step), resume.Text],
        Alert alert => AlertText.Of(texts, alert),
        RunEnded ended => texts["EventEnded", Word(texts, "Ended_" + ended.Reason) ?? ended.Reason, Show.Whole(ended.Step), Show.Span(texts, TimeSpan.FromSeconds(Math.Max(0, ended.DurationSeconds)))],
        WorkerExited { Crash: { } crash } => texts["EventCrashed", CrashText.CauseOf(texts, crash) ?? crash.Message],
        WorkerExited { Signal: { } signal } => texts["EventExitedSignal", signal],
        WorkerExited exited => texts["EventExited", exited.ExitCode ?? -1],
        CommandHandled handled => texts[handled.Answer.Accepted ? "EventCommandAccepted" : "EventCommandRefused", texts["Verb" + handled.Command.Verb], WhoOf(texts, handled.Command.IssuedBy), AnswerOf(texts, handled)],
        KnobChanged turned => texts["EventKnob", KnobPanel.WordOf(texts, turned.Name), turned.Before, turned.Value, Show.Whole(turned.Step)],
        CheckpointPinned pinned => texts[pinned.Pinned ? "EventPinned" : "EventUnpinned", Show.Whole(pinned.Step)],
        CommandEnded { Code: CommandEnded.Done } ended => texts["EventCommandDone", texts["Verb" + ended.Verb], Show.Span(texts, TimeSpan.FromSeconds(ended.DurationSeconds))],
        CommandEnded ended => texts["EventCommandFailed", texts["Verb" + ended.Verb], Word(texts, "Answer_" + ended.Code) ?? ended.Code, ended.Text],
        _ => record.GetType().Name,
    };

    static string Because(IStringLocalizer<Words> texts, RunStateChanged state) =>
        (state.Reason is { } reason ? CrashText.Of(texts, reason) : state.Detail) is { Length: > 0 } words ? " – " + words : "";

    /// <summary>A user's name, or the word for the socket on the trainer's machine.</summary>
    public static string WhoOf(IStringLocalizer<Words> texts, string issuer) => issuer == RunCommand.Local ? texts["WhoLocal"] : issuer;

    static string AnswerOf(IStringLocalizer<Words> texts, CommandHandled handled) => handled.Answer.Accepted
        ? Word(texts, "Will" + handled.Command.Verb) ?? handled.Answer.Text
        : Word(texts, "Answer_" + handled.Answer.Code) ?? handled.Answer.Text;

    static string? Word(IStringLocalizer<Words> texts, string key) => texts[key] is { ResourceNotFound: false } text ? text.Value : null;
}
