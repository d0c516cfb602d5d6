using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Crashes;

namespace Mcn.Web.Dashboard.Tests.Crashes;

public sealed class CrashReportTests
{
    static readonly byte[] Report = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 7))];

    [Fact]
    public async Task An_upload_is_taken_once_and_comes_back_byte_for_byte()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var trainer = dashboard.TrainerHttp();
        Assert.Equal(HttpStatusCode.Created, await PutAsync(trainer, "crash-1", Report));
        Assert.Equal(HttpStatusCode.OK, await PutAsync(trainer, "crash-1", Report));
        Assert.Equal(HttpStatusCode.Conflict, await PutAsync(trainer, "crash-1", Report[1..]));

        using var browser = await dashboard.SignedInAsync(Policies.Viewer);
        using var whole = await browser.GetAsync(new Uri("/api/crashes/crash-1", UriKind.Relative));
        Assert.Equal(Report, await whole.Content.ReadAsByteArrayAsync());
        Assert.Equal("crash-1.zip", whole.Content.Headers.ContentDisposition!.FileName); // ids begin with that word
        Assert.Equal("no-store", whole.Headers.CacheControl!.ToString());
        Assert.Equal("nosniff", whole.Headers.GetValues("X-Content-Type-Options").Single());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/crashes/crash-1");
        request.Headers.Range = new RangeHeaderValue(10, 19);
        using var part = await browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(Report[10..20], await part.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Torn_bytes_bad_ids_and_people_are_refused_and_leave_nothing()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var trainer = dashboard.TrainerHttp();
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync(trainer, "torn", Report, Hash(Report[1..])));
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync(trainer, "..%2Fup", Report));
        using var browser = await dashboard.SignedInAsync(Policies.Viewer);
        Assert.Equal(HttpStatusCode.Unauthorized, await PutAsync(browser, "from-a-person", Report));
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync(new Uri("/api/crashes/torn", UriKind.Relative))).StatusCode);
        Assert.Null(dashboard.Get<CrashReports>().Find("torn"));
        Assert.Empty(Directory.GetFiles(dashboard.Get<Dashboard.Configuration.DataFolder>().Crashes));
    }

    static async Task<HttpStatusCode> PutAsync(HttpClient client, string id, byte[] bytes, string? hash = null)
    {
        using var content = new ByteArrayContent(bytes);
        content.Headers.Add(CrashEndpoints.HashHeader, hash ?? Hash(bytes));
        using var answer = await client.PutAsync(new Uri($"/api/crashes/{id}", UriKind.Relative), content);
        return answer.StatusCode;
    }

    static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
