using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Shared.Link;
using Microsoft.AspNetCore.Http.Features;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>Trainers put crash reports here, people fetch them.</summary>
public static class CrashEndpoints
{
    public const string HashHeader = "X-Content-Sha256";

    public static void Map(WebApplication app)
    {
        app.MapPut(LinkRoutes.Crashes + "/{id}", PutAsync).RequireAuthorization(Policies.Trainer).DisableAntiforgery();
        app.MapGet(LinkRoutes.Crashes + "/{id}", Get).RequireAuthorization(Policies.Viewer);
    }

    static async Task<IResult> PutAsync(string id, HttpContext context, CrashReports reports, CrashCatalog crashes, ILoggerFactory logging)
    {
        if (!CrashReports.IsId(id)) return Results.BadRequest("id: letters, digits, - and _ only");
        var hash = context.Request.Headers[HashHeader].ToString();
        using var place = Place(crashes, id);
        if (hash.Length != 64) return Results.BadRequest($"{HashHeader}: SHA-256 in hexadecimal is missing");
        if (context.Request.ContentLength > CrashReports.LargestBytes) return Results.StatusCode(StatusCodes.Status413PayloadTooLarge);
        // Ours is the bound: Kestrel's own is smaller.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        var upload = await reports.TakeAsync(id, hash, context.Request.Body, context.RequestAborted);
        logging.CreateLogger(typeof(CrashEndpoints)).LogInformation("Crash report {Crash}: {Upload}", id, upload);
        return upload switch
        {
            CrashUpload.Taken => Results.StatusCode(StatusCodes.Status201Created),
            CrashUpload.Known => Results.Ok(),
            CrashUpload.Conflict => Results.Conflict("another report has this id"),
            CrashUpload.WrongHash => Results.BadRequest("the bytes are not those of the hash"),
            _ => Results.StatusCode(StatusCodes.Status413PayloadTooLarge),
        };
    }

    static IResult Get(string id, HttpContext context, CrashReports reports, CrashCatalog crashes, ILoggerFactory logging)
    {
        if (reports.Find(id) is not { } report || !File.Exists(reports.FileOf(report))) return Results.NotFound();
        using var place = Place(crashes, id);
        logging.CreateLogger(typeof(CrashEndpoints)).LogInformation("Crash report {Crash} downloaded by {Who}", id, context.User.Identity?.Name);
        context.Response.Headers.CacheControl = "no-store";
        return Results.File(reports.FileOf(report), "application/zip", report.Id + ".zip", enableRangeProcessing: true);
    }

    /// <summary>The report may be here before the record that tells of the crash: then its run is not known yet.</summary>
    static IDisposable Place(CrashCatalog crashes, string id) =>
        crashes.Find(id) is { } crash ? LogPlace.Enter(crash.RunId, crash.WorkerIncarnation, crash.Step) : LogPlace.Enter(null, null);
}
