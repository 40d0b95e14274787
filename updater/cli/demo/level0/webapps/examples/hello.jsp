Hello, <%= request.getParameter("name") %>
