using System.Text.Json;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Microsoft.AspNetCore.Http.Features;

namespace Mcn.Web.Dashboard.Checkpoints;

/// <summary>
/// A checkpoint for an operator's browser, straight from the trainer's disk: the trainer is asked as for anything else (so it is in the
/// audit trail), and what it puts here is handed on as it comes.
/// </summary>
public static class CheckpointEndpoints
{
    /// <summary>Others may be in front, each as slow as its browser.</summary>
    static readonly TimeSpan LongestQueue = TimeSpan.FromMinutes(2);

    public static void Map(WebApplication app)
    {
        app.MapGet("/api/runs/{run}/checkpoints/{step:long}", GetAsync).RequireAuthorization(Policies.Operator);
        app.MapPut(LinkRoutes.Checkpoints + "/{ticket}", PutAsync).RequireAuthorization(Policies.Trainer).DisableAntiforgery();
    }

    static async Task GetAsync(string run, long step, HttpContext context, TrainerCommands commands, CheckpointTransfers transfers, TimeProvider time)
    {
        using var transfer = transfers.Open();
        if (transfer is null)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "too many downloads are under way; try again in a while");
            return;
        }

        var pending = await AskAsync(context, run, step, transfer.Ticket, commands);
        if (pending is not { Progress: CommandProgress.Done })
        {
            await RefuseAsync(context, pending is null ? StatusCodes.Status403Forbidden : StatusCodes.Status409Conflict, pending?.Text ?? pending?.Code ?? "not allowed");
            return;
        }

        Stream body;
        try
        {
            body = await transfer.Body.WaitAsync(LongestQueue, time, context.RequestAborted);
        }
        catch (TimeoutException)
        {
            await RefuseAsync(context, StatusCodes.Status504GatewayTimeout, "the trainer did not send it in time");
            return;
        }

        context.Response.ContentType = "application/x-tar";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{run}-step-{step}.tar\"";
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            await body.CopyToAsync(context.Response.Body, context.RequestAborted);
            transfer.Complete();
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or BadHttpRequestException)
        {
            // Half a file must not look like a whole one: the browser is to see that it broke off.
            context.Abort();
        }
    }

    /// <returns>Null: the person may not.</returns>
    static async Task<PendingCommand?> AskAsync(HttpContext context, string run, long step, string ticket, TrainerCommands commands)
    {
        try
        {
            var order = JsonSerializer.Serialize(new CheckpointOrder(step, ticket), McnJson.Default.CheckpointOrder);
            var pending = await commands.GiveAsync(context.User, CommandVerb.SendCheckpoint, run, context.Connection.RemoteIpAddress?.ToString(), order);
            if (pending.Progress != CommandProgress.Waiting) return pending;
            // Nobody waits here any more when the trainer is back.
            await commands.WithdrawAsync(context.User, pending.Command.CommandId);
            return pending with { Text = "the trainer is not connected" };
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    static async Task<IResult> PutAsync(string ticket, HttpContext context, CheckpointTransfers transfers)
    {
        if (transfers.Take(ticket) is not { } transfer) return Results.NotFound("nobody waits for this");
        // As large as it is: nothing of it is kept.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        return await transfer.BringAsync(context.Request.Body) ? Results.Ok() : Results.Conflict("the one who wanted it has gone");
    }

    static Task RefuseAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(text);
    }
}
