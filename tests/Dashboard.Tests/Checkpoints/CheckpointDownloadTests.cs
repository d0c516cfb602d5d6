using System.Net;
using System.Text.Json;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;

namespace Mcn.Web.Dashboard.Tests.Checkpoints;

public sealed class CheckpointDownloadTests
{
    static readonly Uri Address = new("/api/runs/run-1/checkpoints/40", UriKind.Relative);

    [Fact]
    public async Task An_operator_gets_what_the_trainer_sends_and_it_is_in_the_audit_trail()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var bytes = Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 7)).ToArray();
        Task<HttpResponseMessage>? sent = null;
        using var http = dashboard.TrainerHttp();
        await dashboard.TrainerAsync(desk: command =>
        {
            var order = JsonSerializer.Deserialize(command.Argument!, McnJson.Default.CheckpointOrder)!;
            Assert.Equal((CommandVerb.SendCheckpoint, "run-1", 40L), (command.Verb, command.RunId, order.Step));
            sent = PutAsync(http, order.Ticket, bytes);
            return Task.FromResult(new CommandAnswer(command.CommandId, true, "accepted", "", "run-1"));
        });
        using var browser = await dashboard.SignedInAsync(Policies.Operator);

        using var answer = await browser.GetAsync(Address);

        Assert.Equal(bytes, await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal("run-1-step-40.tar", answer.Content.Headers.ContentDisposition!.FileName!.Trim('"'));
        Assert.Equal(HttpStatusCode.OK, (await sent!).StatusCode);
        var row = dashboard.Get<AuditLog>().Newest(10).Single();
        Assert.Equal(("operator", "SendCheckpoint", "Done"), (row.Who, row.Verb, row.Result));
    }

    [Fact]
    public async Task A_refusal_is_told_a_viewer_may_not_and_without_a_trainer_nobody_waits()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var browser = await dashboard.SignedInAsync(Policies.Operator);
        using var viewer = await dashboard.SignedInAsync(Policies.Viewer);
        var trainer = await dashboard.TrainerAsync(desk: command => Task.FromResult(new CommandAnswer(command.CommandId, false, "no_checkpoint", "there is no checkpoint of step 40 (any more)", "run-1")));

        using (var refused = await browser.GetAsync(Address))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("no checkpoint of step 40", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await viewer.GetAsync(Address)).StatusCode);
        await trainer.StopAsync();
        await Records.UntilAsync(() => dashboard.Get<Dashboard.Telemetry.TrainerPresence>().Find("trainer-1")!.Connection is null);
        using var away = await browser.GetAsync(Address);
        Assert.Equal((HttpStatusCode.Conflict, "the trainer is not connected"), (away.StatusCode, await away.Content.ReadAsStringAsync()));
        Assert.Equal("Withdrawn", dashboard.Get<AuditLog>().Newest(1).Single().Result);
    }

    [Fact]
    public async Task A_ticket_is_good_once_and_a_sender_that_breaks_off_leaves_no_whole_file()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var http = dashboard.TrainerHttp();
        Assert.Equal(HttpStatusCode.NotFound, (await PutAsync(http, "0123", [1])).StatusCode);
        Task<HttpResponseMessage>? sending = null;
        await dashboard.TrainerAsync(desk: command =>
        {
            var ticket = JsonSerializer.Deserialize(command.Argument!, McnJson.Default.CheckpointOrder)!.Ticket;
            sending = http.PutAsync(new Uri($"{LinkRoutes.Checkpoints}/{ticket}", UriKind.Relative), new BreakingContent());
            return Task.FromResult(new CommandAnswer(command.CommandId, true, "accepted", "", "run-1"));
        });
        using var browser = await dashboard.SignedInAsync(Policies.Operator);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => browser.GetByteArrayAsync(Address));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => sending!);
    }

    static Task<HttpResponseMessage> PutAsync(HttpClient http, string ticket, byte[] bytes) =>
        http.PutAsync(new Uri($"{LinkRoutes.Checkpoints}/{ticket}", UriKind.Relative), new ByteArrayContent(bytes));

    /// <summary>A file that cannot be read to its end.</summary>
    sealed class BreakingContent : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[100_000]);
            throw new IOException("the disk is gone");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
