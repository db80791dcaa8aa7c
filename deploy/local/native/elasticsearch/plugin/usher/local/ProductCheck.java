package usher.local;

import java.util.List;

import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/** Answers GET / with name and version, which clients ask for before anything else. */
final class ProductCheck extends BaseRestHandler {
    @Override
    public String getName() {
        return "usher_product_check";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        return channel -> {
            try (XContentBuilder body = channel.newBuilder()) {
                body.startObject();
                body.field("name", "local");
                body.field("cluster_name", "usher-local");
                body.startObject("version").field("number", Build.current().version()).endObject();
                body.field("tagline", "You Know, for Search");
                body.endObject();
                channel.sendResponse(new RestResponse(RestStatus.OK, body));
            }
        };
    }
}
